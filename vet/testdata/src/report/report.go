package report

func start() {
	go println(1) // want `a go statement`
	go println(2) //trellisvet:ignore baregoroutine ends at once

	//trellisvet:ignore baregoroutine ends at once
	go println(3)
	go println(4) // want `a go statement`

	//trellisvet:ignore outerctx,baregoroutine ends at once
	go println(5)

	//trellisvet:ignore outerctx, baregoroutine ends at once
	go println(5)

	//trellisvet:ignore	baregoroutine	ends at once
	go println(5)

	//trellisvet:ignore outerctx of another analyzer
	go println(6) // want `a go statement`

	//trellisvet:ignored baregoroutine is another word
	go println(7) // want `a go statement`

	println(8)    //trellisvet:ignore baregoroutine is behind code, so it is not for the next line
	go println(9) // want `a go statement`

	// A comment without a reason ignores nothing.

	/* want `the comment gives no reason: //trellisvet:ignore baregoroutine REASON` */ //trellisvet:ignore baregoroutine
	go println(10)                                                                     // want `a go statement`

	/* want `the comment gives no reason: //trellisvet:ignore outerctx,baregoroutine REASON` */ //trellisvet:ignore outerctx, baregoroutine
	go println(11)                                                                              // want `a go statement`
}
